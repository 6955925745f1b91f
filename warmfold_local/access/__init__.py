"""IAM, enforced: who calls, what each call asks for, what decides it, and what has been used."""
