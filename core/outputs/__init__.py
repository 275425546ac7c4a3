"""Outputs of a job: reports, keywords in photos, and photos sorted into folders."""
