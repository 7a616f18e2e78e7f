# Recipes for each layout of ImageNet's validation set. A test runs them on small copies, with classify in the PATH.

# recipe: imagenet kaggle
classify --model cvt-13 --orient ignore --evaluate LOC_val_solution.csv --classes LOC_synset_mapping.txt ILSVRC/Data/CLS-LOC/val
# end

# recipe: imagenet devkit
awk 'NR == FNR { index_of[$1] = NR - 1; next } { print $1, index_of[$2] }' LOC_synset_mapping.txt ilsvrc_ids.txt > ilsvrc_classes.txt
classify --model cvt-13 --orient ignore --evaluate val --truth ILSVRC2012_validation_ground_truth.txt --classes ilsvrc_classes.txt
# end

# recipe: imagenet folders
classify --model cvt-13 --orient ignore --evaluate folders/val --classes LOC_synset_mapping.txt
# end

# recipe: imagenet list
classify --model cvt-13 --orient ignore --evaluate val.txt val
# end

# recipe: imagenet tiny
classify --model tiny-cvt --evaluate tiny-imagenet-200/val --classes tiny-imagenet-200/words.txt
classify --model tiny-cvt --evaluate tiny-imagenet-200/train --classes tiny-imagenet-200/words.txt
# end
