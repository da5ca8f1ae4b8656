"""What a published number is made of, down to the records of the files, and whether it adds up."""
