"""The HTML door of mail: the log, the mailbox, settings, and what recipients see."""
