"""The experiments of the tutorials, on a running lab."""
