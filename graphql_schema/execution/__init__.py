"""Operations executed by plans that are compiled from their selections, breadth first. README.md beside tells how."""
