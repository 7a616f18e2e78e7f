// The modes of classify: one function and one source file for each. main.cpp chooses one.
#pragma once

#include "options.hpp"
#include "setup.hpp"

namespace app {

// Each mode returns the exit code and throws failure.

/// Classifies the inputs and writes records, arrays and pictures.
int classify(const options& o, const setup& s);
/// --evaluate: measures the accuracy on labelled photos.
int evaluate(const options& o, const setup& s);
/// --info: describes the model.
int info(const options& o, const setup& s);
/// --verify: runs the model's self-test.
int verify(const options& o, const setup& s);
/// --convert: writes the checkpoint as a Hugging Face folder, with the labels and the preprocessing that the options chose.
int convert(const options& o);
/// --learn: learns a head from photos in class folders, and writes the checkpoint with it as --convert does.
int learn(const options& o);
/// --similar: lists the inputs whose embeddings are nearest to that of a photo.
int similar(const options& o, const setup& s);

}  // namespace app
