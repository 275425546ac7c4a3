"""What the window words differently from the command line: it says *photo* for *image*, and has buttons for options.

Whole messages, as they are in the code; in another language, the translations decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WINDOW_WORDING: Final[Mapping[str, str]] = {
    "Add more images. A few dozen different ones per class work well.": (
        "Add more photos. A few dozen different ones per class work well."
    ),
    "Classes without images in the test set: {names}.": "Classes without photos in the test set: {names}.",
    "Left out class “{label}”: one image is too few to train and test on.": (
        "Left out class “{label}”: one photo is too few to train and test on."
    ),
    "Left out class “{label}” with {count:,} image: it has no training images.": (
        "Left out class “{label}” with {count:,} photo: it has no training photos."
    ),
    "Left out class “{label}” with {count:,} images: it has no training images.": (
        "Left out class “{label}” with {count:,} photos: it has no training photos."
    ),
    "The images are not in class folders and have no labels in their names.": (
        "The photos are not in class folders and have no labels in their names."
    ),
    "The {count:,} image is the only one.": "The {count:,} photo is the only one.",
    "All {count:,} images are identical.": "All {count:,} photos are identical.",
    "Classes whose images all look nearly the same: {names}. They can be trained on but not tested.": (
        "Classes whose photos all look nearly the same: {names}. They can be trained on but not tested."
    ),
    "Classes without images in the validation set: {names}.": "Classes without photos in the validation set: {names}.",
    "Add images of these classes to the test folder.": "Add photos of these classes to the test folder.",
    "Classes with fewer than {minimum} images: {counts}.": "Classes with fewer than {minimum} photos: {counts}.",
    "“{large}” has {count:,} image, but “{small}” has only {fewest:,}.": (
        "“{large}” has {count:,} photo, but “{small}” has only {fewest:,}."
    ),
    "“{large}” has {count:,} images, but “{small}” has only {fewest:,}.": (
        "“{large}” has {count:,} photos, but “{small}” has only {fewest:,}."
    ),
    "None of the images could be read.": "None of the photos could be read.",
    "Check the reason given for each image.": "Check the reason given for each photo.",
    "The folder contains no images.": "The folder contains no photos.",
    "Use different images for each class.": "Use different photos for each class.",
    "Add images of these classes to the validation folder.": "Add photos of these classes to the validation folder.",
    "{count:,} image is smaller than 32 pixels: {names}.": "{count:,} photo is smaller than 32 pixels: {names}.",
    "{count:,} images are smaller than 32 pixels: {names}.": "{count:,} photos are smaller than 32 pixels: {names}.",
    "{count:,} image is more than five times as long as it is wide: {names}.": (
        "{count:,} photo is more than five times as long as it is wide: {names}."
    ),
    "{count:,} images are more than five times as long as they are wide: {names}.": (
        "{count:,} photos are more than five times as long as they are wide: {names}."
    ),
    "{count:,} image is a single plain colour: {names}.": "{count:,} photo is a single plain colour: {names}.",
    "{count:,} images are a single plain colour: {names}.": "{count:,} photos are a single plain colour: {names}.",
    "{count:,} image is grey, while others are in colour: {names}.": (
        "{count:,} photo is grey, while others are in colour: {names}."
    ),
    "{count:,} images are grey, while others are in colour: {names}.": (
        "{count:,} photos are grey, while others are in colour: {names}."
    ),
    "Add images to the small classes.": "Add photos to the small classes.",
    "Remove blank images.": "Remove blank photos.",
    "Choose a folder with one subfolder of images per class, or with files named like cat.0.jpg.": (
        "Choose a folder with one subfolder of photos per class, or with files named like cat.0.jpg."
    ),
    "The folder “{folder}” contains no labelled images, so this set is split from the others.": (
        "The folder “{folder}” contains no labelled photos, so this set is split from the others."
    ),
    "Left out {count:,} image without a class folder or a label in its name.": (
        "Left out {count:,} photo without a class folder or a label in its name."
    ),
    "Left out {count:,} images without a class folder or a label in their names.": (
        "Left out {count:,} photos without a class folder or a label in their names."
    ),
    "Skipped hidden folders with images: {names}.": "Skipped hidden folders with photos: {names}.",
    "Skipped {count:,} image outside the class folders: {names}.": (
        "Skipped {count:,} photo outside the class folders: {names}."
    ),
    "Skipped {count:,} images outside the class folders: {names}.": (
        "Skipped {count:,} photos outside the class folders: {names}."
    ),
    "To use these images, copy the folders here.": "To use these photos, copy the folders here.",
    "The class folder “{folder}” contains no images.": "The class folder “{folder}” contains no photos.",
    "To use these images, move them into those folders.": "To use these photos, move them into those folders.",
    "Add images to it, or remove it.": "Add photos to it, or remove it.",
    "looking at the images": "looking at the photos",
    "Couldn't split {count:,} image into {requested}.": "Couldn't split {count:,} photo into {requested}.",
    "Couldn't split {count:,} images into {requested}.": "Couldn't split {count:,} photos into {requested}.",
    "Too few training images for one of each of the {count:,} class.": (
        "Too few training photos for one of each of the {count:,} class."
    ),
    "Too few training images for one of each of the {count:,} classes.": (
        "Too few training photos for one of each of the {count:,} classes."
    ),
    "Too few validation images for one of each of the {count:,} class.": (
        "Too few validation photos for one of each of the {count:,} class."
    ),
    "Too few validation images for one of each of the {count:,} classes.": (
        "Too few validation photos for one of each of the {count:,} classes."
    ),
    "Too few test images for one of each of the {count:,} class.": (
        "Too few test photos for one of each of the {count:,} class."
    ),
    "Too few test images for one of each of the {count:,} classes.": (
        "Too few test photos for one of each of the {count:,} classes."
    ),
    "The training set asks for {count:,} image more than the other sets can spare.": (
        "The training set asks for {count:,} photo more than the other sets can spare."
    ),
    "The training set asks for {count:,} images more than the other sets can spare.": (
        "The training set asks for {count:,} photos more than the other sets can spare."
    ),
    "The validation set asks for {count:,} image more than the other sets can spare.": (
        "The validation set asks for {count:,} photo more than the other sets can spare."
    ),
    "The validation set asks for {count:,} images more than the other sets can spare.": (
        "The validation set asks for {count:,} photos more than the other sets can spare."
    ),
    "The test set asks for {count:,} image more than the other sets can spare.": (
        "The test set asks for {count:,} photo more than the other sets can spare."
    ),
    "The test set asks for {count:,} images more than the other sets can spare.": (
        "The test set asks for {count:,} photos more than the other sets can spare."
    ),
    "Use smaller numbers, or add images.": "Use smaller numbers, or add photos.",
    "Use a smaller number, or add images.": "Use a smaller number, or add photos.",
    "The model's output for {count:,} of {total:,} images is not a number.": (
        "The model's output for {count:,} of {total:,} photos is not a number."
    ),
    "The model's outputs for {count:,} of {total:,} images are not numbers.": (
        "The model's outputs for {count:,} of {total:,} photos are not numbers."
    ),
    "There are no images to evaluate.": "There are no photos to evaluate.",
    "Choose a folder with images of the model's classes.": "Choose a folder with photos of the model's classes.",
    "Only the validation set of this folder was used ({count:,} image).": (
        "Only the validation set of this folder was used ({count:,} photo)."
    ),
    "Only the validation set of this folder was used ({count:,} images).": (
        "Only the validation set of this folder was used ({count:,} photos)."
    ),
    "“{folder}” contains no labelled images.": "“{folder}” contains no labelled photos.",
    "reading the images": "reading the photos",
    "Only the test set of this folder was used ({count:,} image).": (
        "Only the test set of this folder was used ({count:,} photo)."
    ),
    "Only the test set of this folder was used ({count:,} images).": (
        "Only the test set of this folder was used ({count:,} photos)."
    ),
    "Converting to 8 bits needs labelled images to calibrate the model and to measure its accuracy.": (
        "Converting to 8 bits needs labelled photos to calibrate the model and to measure its accuracy."
    ),
    "Choose a folder of labelled images, preferably the one the model was trained on.": (
        "Choose a folder of labelled photos, preferably the one the model was trained on."
    ),
    "“{folder}” has no validation images of the classes of “{name}”.": (
        "“{folder}” has no validation photos of the classes of “{name}”."
    ),
    (
        "In 8 bits, the model loses {loss:.2%} accuracy on the validation images; at most {limit:.2%} is allowed. "
        "Nothing was written."
    ): (
        "In 8 bits, the model loses {loss:.2%} accuracy on the validation photos; at most {limit:.2%} is allowed. "
        "Nothing was written."
    ),
    "Only a reduced copy of the image in “{name}” could be read.": (
        "Only a reduced copy of the photo in “{name}” could be read."
    ),
    "Reading this image crashed Fovea {count:,} time.": "Reading this photo crashed Fovea {count:,} time.",
    "Reading this image crashed Fovea {count:,} times.": "Reading this photo crashed Fovea {count:,} times.",
    "The model returns invalid numbers (infinite or NaN) for ordinary images.": (
        "The model returns invalid numbers (infinite or NaN) for ordinary photos."
    ),
    "The folder has {count:,} class. With this many images, the recipe quick supports at most {maximum:,}.": (
        "The folder has {count:,} class. With this many photos, the recipe quick supports at most {maximum:,}."
    ),
    "The folder has {count:,} classes. With this many images, the recipe quick supports at most {maximum:,}.": (
        "The folder has {count:,} classes. With this many photos, the recipe quick supports at most {maximum:,}."
    ),
    "To resume, restore the images. To start over with the current ones, add --restart.": (
        "To resume, restore the photos. To start over with the current ones, choose “Start over”."
    ),
    "{count:,} image added": "{count:,} photo added",
    "{count:,} images added": "{count:,} photos added",
    "{count:,} image removed": "{count:,} photo removed",
    "{count:,} images removed": "{count:,} photos removed",
    (
        "{count:,} of {total:,} validation and test images looks like a mirrored, rotated, cropped or re-encoded "
        "copy of a training image, so the accuracy is optimistic: {names}."
    ): (
        "{count:,} of {total:,} validation and test photos looks like a mirrored, rotated, cropped or re-encoded "
        "copy of a training photo, so the accuracy is optimistic: {names}."
    ),
    (
        "{count:,} of {total:,} validation and test images look like mirrored, rotated, cropped or re-encoded copies"
        " of training images, so the accuracy is optimistic: {names}."
    ): (
        "{count:,} of {total:,} validation and test photos look like mirrored, rotated, cropped or re-encoded copies"
        " of training photos, so the accuracy is optimistic: {names}."
    ),
    "Class “{label}” has no training images left: its files were changed or removed.": (
        "Class “{label}” has no training photos left: its files were changed or removed."
    ),
    "Keep all copies of an image in the same set.": "Keep all copies of a photo in the same set.",
    "To resume it, run the original command. To start over, add --restart.": (
        "To resume it, open it in “Training”. To begin again, choose “Start over”."
    ),
    "Restore the file from a backup, or add --restart to start over.": (
        "Restore the file from a backup, or choose “Start over”."
    ),
}
"""The window's wording of messages."""
