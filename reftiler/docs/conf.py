"""How the documentation is built: ``sphinx-build -W reftiler/docs build/docs``."""

from pathlib import Path

import reftiler

ROOT = Path(__file__).parents[2]

project = "reftiler"
author = "the authors of reftiler"
copyright = author  # noqa: A001  (Sphinx calls it so)
release = version = reftiler.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "reftiler.docs.generated",
    "reftiler.docs.doctrees",
    "reftiler.docs.docstrings",
]
default_role = "py:obj"
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["**/.ipynb_checkpoints"]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the notebook's outputs are committed

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 80
autosummary_generate = False
numpydoc_show_class_members = False
nitpick_ignore = [  # named in annotations, of packages that need not be installed
    ("py:class", "MainWindow"),
    ("py:class", "TilerConfigurationCallback"),
]

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "reftiler"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["reftiler.css"]
html_sidebars: dict[str, list[str]] = {  # pages alone in their sections
    page: [] for page in ("index", "tutorial", "changelog", "contributing")
}
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "show_toc_level": 2,
    "show_prev_next": False,
    "footer_start": [],
    "footer_end": [],
}
