"""The plugins that are installed, and the reports and observers among them."""
