"""What lists may be asked for: by the public, and by staff."""
