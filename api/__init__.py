"""What people and systems meet: pages, REST, KS Fiks Arkiv."""
