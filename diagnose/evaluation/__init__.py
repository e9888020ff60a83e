"""How good answers are: rankings, edges, graphs, questions, disks, each beside chance and peers."""
