"""What others reach over HTTP: web hooks now, the pages later."""
