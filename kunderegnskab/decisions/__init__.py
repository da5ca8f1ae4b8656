"""What people write while they read: notes and decisions, as policy records."""
