"""Messages about runs: to chat, mail, SNS and webhooks."""
