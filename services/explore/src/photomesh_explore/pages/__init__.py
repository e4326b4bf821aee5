"""Pages of explore: from candidates to posts that a viewer may see."""
