"""A simulated company on local servers, so that the whole product runs without a cloud account."""
