"""Personal data: what is kept apart from publications, shown to whom, and for how long."""
