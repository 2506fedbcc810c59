"""KS Fiks Arkiv V1: messages as typed trees (`decode`), answers as documents (`encode`), and what answers what."""
