"""Live outputs as the user has them: in the sidebar, on the command line, kept between runs."""
