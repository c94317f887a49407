"""What the reports of several stages show: scores, comparisons and plots."""
