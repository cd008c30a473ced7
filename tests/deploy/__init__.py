"""The shipped units, scripts and images on real machines: systemd-nspawn and container engines."""
