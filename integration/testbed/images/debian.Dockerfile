FROM scratch
ADD base.tar /
# The list that mmdebstrap leaves is its own reading of the host's.
RUN rm -rf /etc/apt/sources.list /etc/apt/sources.list.d
COPY apt/ /
CMD ["bash"]
