"""Broken APIs: for every API check some that break its clause."""
