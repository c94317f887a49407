"""Fetches files from servers, buckets and disks, and checks them."""
