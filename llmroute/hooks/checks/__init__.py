"""The checks that come with the library, one module each; `hooks.registry` lists them."""
