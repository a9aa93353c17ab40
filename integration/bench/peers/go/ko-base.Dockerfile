# What ko builds on: as empty as scratch, which ko does not know, with the user of
# the others.
FROM scratch
USER 65532:65532
