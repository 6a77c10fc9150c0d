"""The hosted form and the Form Builder: what a workspace asks, and how the answers become a lead."""
