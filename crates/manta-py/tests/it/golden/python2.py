import os


def run(cmd):
    print "running", cmd
    try:
        os.system(cmd)
    except OSError, e:
        raise ValueError, "failed"
