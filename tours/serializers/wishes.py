"""What wish lists look like."""

from rest_framework import serializers

from tours.serializers.reading import PageSerializer, TourCardSerializer


class SavedTourSerializer(serializers.Serializer):
    saved_at = serializers.DateTimeField()
    tour = TourCardSerializer()


class WishListSerializer(PageSerializer):
    items = SavedTourSerializer(many=True)


class SharedListSerializer(WishListSerializer):
    name = serializers.CharField(help_text="The first name of whose list it is.")


class SavedSerializer(serializers.Serializer):
    tour_id = serializers.UUIDField()
    saved_at = serializers.DateTimeField()


class MergeSerializer(serializers.Serializer):
    tours = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=100, help_text="Ids, in the order saved."
    )


class MergedSerializer(serializers.Serializer):
    added = serializers.ListField(child=serializers.UUIDField())
    known = serializers.ListField(child=serializers.UUIDField(), help_text="On the list already.")
    skipped = serializers.ListField(child=serializers.UUIDField(), help_text="Not on sale.")


class ShareSerializer(serializers.Serializer):
    token = serializers.CharField()
    url = serializers.CharField()
