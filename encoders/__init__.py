"""What a modality is and what embeds it. Imports nothing of the other packages."""
