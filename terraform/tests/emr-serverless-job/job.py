"""A script for `terraform test`, which only reads its bytes."""
