"""The API's client, and what commands ask a running lab."""
