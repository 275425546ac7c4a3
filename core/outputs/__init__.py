"""What is made of a job's predictions: reports, keywords in photos, sorted copies."""
