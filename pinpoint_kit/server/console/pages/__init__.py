"""The console's pages: numbers, funnels, the audience, people, and the entrance."""
