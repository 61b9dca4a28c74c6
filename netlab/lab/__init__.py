"""The running lab: joins plan, kernel, control and api into up, down and status."""
