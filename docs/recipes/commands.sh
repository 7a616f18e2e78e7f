# Recipes for the command line. A test runs them in a folder with run7.pth and its config.json, with classify in the PATH.

# recipe: commands convert
classify --model run7.pth --config config.json --info                      # shows what was recognised, and the cost of the model
classify --model run7.pth --config config.json --convert run7              # writes config.json, preprocessor_config.json, model.safetensors
classify --model run7 --dtype f16 --convert run7-f16                       # half the size
classify --model run7 --dtype int8 --convert run7-int8                     # a quarter of the size, and it runs as int8
# end

# recipe: commands verify
classify --model run7 --verify
classify --model run7-f16 --verify
# end
