"""Policy files (contract section 8): read, tested, compared with what is stored, applied, exported.

Owns the document and the plan. What a noun may hold and how one is written is its own file's, one
folder up; the road of the change is `unit_of_work`.
"""
