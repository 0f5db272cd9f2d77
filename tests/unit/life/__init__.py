"""A repository over its life: real git, real templates, the verbs as the command line calls them."""
