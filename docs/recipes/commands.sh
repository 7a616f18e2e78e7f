# Recipes on the command line; run by a test in a folder with run7.pth and its config.json, with classify in the PATH.

# recipe: commands convert
classify --model run7.pth --config config.json --info                      # what it takes the file for, and what that costs
classify --model run7.pth --config config.json --convert run7              # config.json, preprocessor_config.json, model.safetensors
classify --model run7 --dtype f16 --convert run7-f16                       # half the size
# end

# recipe: commands verify
classify --model run7 --verify
classify --model run7-f16 --verify
# end
