"""One file per arq job. A job carries no data: it says "look here", the database knows the rest."""
