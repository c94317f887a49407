"""Facts about languages and their wikis: names, numbers, dates, templates, sentences."""
