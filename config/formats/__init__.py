"""How the back-office writes dates, times and numbers: the same way in both languages, Latin digits, 24 hours."""
