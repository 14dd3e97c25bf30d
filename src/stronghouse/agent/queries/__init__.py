"""The queries host: SQL by HTTP for holders of API keys, decided and run within the region."""
