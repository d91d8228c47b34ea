"""Looking at what is not the draft: results, an older revision, two versions side by side."""
