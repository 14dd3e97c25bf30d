"""Second factors: authenticator apps, passkeys, recovery codes. Secrets stand in the database sealed or hashed."""
