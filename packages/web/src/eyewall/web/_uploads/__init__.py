"""Forms that are taken in while they come: multipart, with files as large as they like."""
