"""The shapes of the catalogue's API: `reading` describes what the public gets, `writing` checks what staff send."""
