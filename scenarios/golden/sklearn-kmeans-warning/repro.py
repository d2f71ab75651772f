"""Two clusters of four points."""

from sklearn.cluster import KMeans

model = KMeans(n_clusters=2, random_state=0).fit([[0.0], [0.1], [1.0], [1.1]])
print(model.labels_)
