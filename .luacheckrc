std = "lua54"
max_line_length = 130
ignore = { "212/self" }
files["tests/lua"] = { std = "lua54+busted" }
