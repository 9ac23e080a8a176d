"""Tests of reporting-rest."""
