"""How the documentation is built: ``sphinx-build -W reftiler/docs build/docs``."""

from pathlib import Path

import reftiler

ROOT = Path(__file__).parents[2]

project = "reftiler"
author = "the authors of reftiler"
copyright = author  # noqa: A001  (Sphinx calls it so)
release = version = reftiler.__version__

extensions = ["myst_nb", "sphinx_copybutton"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["**/.ipynb_checkpoints"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the notebook's outputs are committed
suppress_warnings = ["myst.header"]  # an included page may begin below a title

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "reftiler"
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "show_prev_next": False,
    "footer_start": [],
    "footer_end": [],
}
