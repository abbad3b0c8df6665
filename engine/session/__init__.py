"""Recorded sessions: one MCAP file with pictures, camera, truth and poses."""
